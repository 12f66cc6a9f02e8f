variable "name" {
  description = "Prefix of names, for instance celec-staging."
  type        = string
}

variable "lake_may_be_destroyed" {
  description = "Whether `terraform destroy` empties the lake's bucket too, raw files and all."
  type        = bool
}

variable "boundary_arn" {
  description = "Permissions boundary of the roles."
  type        = string
}
