# What settings.tf of an environment may not say.
mock_provider "aws" {
  source = "../../mocks"
}

variables {
  environment           = "test"
  vpc_cidr              = "10.99.0.0/16"
  allowed_cidrs         = ["203.0.113.0/24"]
  domain                = null
  image_tag             = "0123456789abcdef0123456789abcdef01234567"
  settings              = {}
  started               = true
  jupyter               = false
  night                 = null
  database              = { instance_class = "db.t4g.micro", storage_gb = 20, password_version = 1 }
  protected             = false
  lake_may_be_destroyed = false
  log_retention_days    = 14
  alert_emails          = ["operations@example.com"]
  monthly_budget_usd    = 100
  github_repository     = null
}

run "a_name_that_is_too_long" {
  command = plan

  variables {
    environment = "production-of-quito"
  }

  expect_failures = [var.environment]
}

run "a_disk_that_gp3_does_not_have" {
  command = plan

  variables {
    database = { instance_class = "db.t4g.micro", storage_gb = 10, password_version = 1 }
  }

  expect_failures = [var.database]
}

run "a_database_that_is_not_graviton" {
  command = plan

  variables {
    database = { instance_class = "db.t3.micro", storage_gb = 20, password_version = 1 }
  }

  expect_failures = [var.database]
}

run "a_retention_that_cloudwatch_does_not_have" {
  command = plan

  variables {
    log_retention_days = 10
  }

  expect_failures = [var.log_retention_days]
}

run "a_night_in_the_words_of_cron_on_a_server" {
  command = plan

  variables {
    night = { services_start = "0 6 * * 1-5", services_stop = "0 19 * * 1-5", database_start = "40 5 * * 1-5", database_stop = "20 19 * * 1-5", timezone = "America/Guayaquil" }
  }

  expect_failures = [var.night]
}
