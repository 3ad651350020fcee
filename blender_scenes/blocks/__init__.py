"""What scene families are built from.

Modules marked * import bpy and are for ``build.py`` files; all others are for ``family.py``.

=================  ==============================================================================
``lighting``       factor ``LIGHTING``, record ``Light``, ``sample_light``
``worlds``         record ``World``: studios, rooms and skies as pictures
``lights`` *       ``light_up(light)``; single lamps, an even sky
``grounds``        factor ``BACKGROUND``, record ``Ground``, ``sample_ground``, ``folds_m``;
                   ``ground_pictures`` paints them
``backdrops``      record ``Backdrop``: the room behind, ``sample_backdrop``
``floors`` *       ``lay_ground(ground, ...)``, ``hang_backdrop(backdrop, camera, ...)``
``framing``        factor ``CAMERA``, ``frame_camera``, ``camera_above``, ``ground_under``
``clutter``        factors ``DISTRACTORS`` and ``OCCLUSION``, record ``Thing``, ``sample_clutter``,
                   ``sample_occluders``
``props`` *        ``set_out(things)``, ``painted_mesh(name, shape)``
``places``         starting places in view, on a grid, in the air
``discs``          ``push_apart``: scatter without overlap
``heaps``          ``Heap``: things let down onto each other, in numpy
``dropping`` *     ``drop(bodies)``: rigid bodies until they rest
``finishes``       what surfaces are, by name: ``Finish``
``materials`` *    surfaces, most of them with each object's own colour
``shapes``         painted surfaces as arrays, ``things`` everyday ones, ``grids`` faces of nets;
                   ``meshes`` * puts arrays into the scene
``skins``          ``wrinkled(shape)``; ``variation`` * ``vary_shape(obj)`` by geometry nodes
``pictures``       a user's photographs and panoramas: ``own_picture``
``sensing``        ``sample_sensor``: the factor ``sensor`` by its parameters' names
``tailoring``      ``tailored(FACTOR, ranges=...)``: a block's factor as a family wants it
``colours``        colour temperatures, sRGB, hues; ``noise``: on pictures and in space
=================  ==============================================================================
"""
