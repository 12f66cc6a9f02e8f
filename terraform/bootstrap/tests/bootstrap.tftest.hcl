mock_provider "aws" {
  source = "../mocks"
}

run "with_github" {
  command = plan # what must not be destroyed cannot be cleaned up after a test

  variables {
    github = true
  }

  assert {
    condition     = aws_s3_bucket.state.bucket == "celec-terraform-123456789012-us-east-1"
    error_message = "scripts/deploy.sh looks for the state under this name."
  }
}
