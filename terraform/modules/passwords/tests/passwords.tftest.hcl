mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name             = "celec-test"
  users            = ["dagster", "mlflow"]
  password_version = 1
}

run "written_and_not_kept" {
  assert {
    condition     = alltrue([for version in aws_secretsmanager_secret_version.user : version.secret_string == null && version.secret_string_wo == null && version.secret_string_wo_version == 1])
    error_message = "The state must not hold a password."
  }

  assert {
    condition     = keys(output.secret_arns) == ["dagster", "mlflow"]
    error_message = "Each user has a secret of its own."
  }
}
