"""What a training is told to do, and what follows from that alone, without weights or images.

``config``        the settings, and which of them contradict each other
``config_files``  from YAML files and ``--set``, and back
``scaling``       schedules in proportion to another number of epochs
``schedules``     what each step runs with: keep ratios, examples, learning rate, seeds
``costs``         multiply-accumulates of the whole training
"""
