"""The loop on Lightning Fabric: steps, schedules, checkpoints, stages. It knows steps, not speech."""
