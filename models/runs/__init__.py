"""Run folders: what a training leaves behind, for those who go on from there.

``checkpoint``  the files with weights and state, replaced as a whole
``images``      what identifies the images of a run, and where they are now
``saved_run``   configuration and exported weights of a finished run
"""
