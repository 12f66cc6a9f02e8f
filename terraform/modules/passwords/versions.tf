terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.26" # before, refreshing a secret read it, which workflows may not
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}
