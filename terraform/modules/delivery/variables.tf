variable "name" {
  description = "Prefix of the names of everything that may be deployed, for instance celec-staging."
  type        = string
}

variable "environment" {
  description = "GitHub's environment of the same name has to allow a deployment."
  type        = string
}

variable "repository" {
  description = "Repository whose workflows may deploy, as GitHub's tokens name it: owner/name or owner@ID/name@ID."
  type        = string
}

variable "repository_arn" {
  description = "ECR repository that images are pushed to."
  type        = string
}

variable "boundary_arn" {
  description = "Permissions boundary that every role must have which a workflow makes or changes."
  type        = string
}

variable "log_group_names" {
  description = "Pattern of the names of log groups."
  type        = string
}
