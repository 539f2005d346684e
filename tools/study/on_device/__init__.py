"""Does training in the accelerator's fixed point learn as float32 does? Runs of both, side by side.

``plan``     from a YAML file to the list of runs
``forward``  the model as functions of its weights, in PyTorch
``twin``     training in PyTorch float32, for the loop of tools/training
``runs``     carrying out the runs; several processes may share them
``report``   tables and figures of what is finished; ``picture`` draws the curves
"""
