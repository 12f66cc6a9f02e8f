variable "name" {
  description = "Prefix of names, for instance celec-staging."
  type        = string
}

variable "vpc_cidr" {
  description = "Addresses of the VPC. /16 leaves 256 subnets of 254 addresses each."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr must be a block of the form 10.20.0.0/16."
  }
}

variable "allowed_cidrs" {
  description = "Who may reach the load balancer, as IPv4 blocks."
  type        = set(string)
}

variable "entrance_ports" {
  description = "Ports of the load balancer, and what each is for."
  type        = map(string)
}

variable "ports" {
  description = "Port of each container that listens."
  type = object({
    webserver = number
    code      = number
    mlflow    = number
    report    = number
    jupyter   = number
    database  = number
  })
}

variable "jupyter" {
  description = "Whether there is Jupyter."
  type        = bool
}

variable "login" {
  description = "Whether the load balancer asks Cognito who somebody is."
  type        = bool
}
