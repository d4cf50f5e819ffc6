"""What is given: radio, path loss, devices, workload, and the units that people use."""
