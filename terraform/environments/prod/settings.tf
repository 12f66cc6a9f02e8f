# What makes this environment prod. Nothing else differs from staging; what differs between installations is asked for
# by variables.tf.
locals {
  environment = "prod"
  vpc_cidr    = "10.21.0.0/16"
  protected   = true

  database = {
    instance_class = "db.t4g.micro"
    storage_gb     = 20
  }

  # The morning's forecasts come on every day, and alarms watch all night.
  night = null

  log_retention_days = 30
}
