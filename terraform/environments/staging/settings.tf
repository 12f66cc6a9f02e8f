# What makes this environment staging. Nothing else differs from prod; what differs between installations is asked for
# by variables.tf.
locals {
  environment = "staging"
  vpc_cidr    = "10.20.0.0/16"
  protected   = false

  database = {
    instance_class = "db.t4g.micro"
    storage_gb     = 20
  }

  # Nobody looks at staging at night and on weekends. The database starts first and stops last; it needs ten minutes.
  night = {
    services_start = "cron(0 6 ? * MON-FRI *)"
    services_stop  = "cron(0 19 ? * MON-FRI *)"
    database_start = "cron(40 5 ? * MON-FRI *)"
    database_stop  = "cron(20 19 ? * MON-FRI *)"
    timezone       = "America/Guayaquil"
  }

  log_retention_days = 14
}
