data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:Subnets stay where they were made, whatever zones are added (below)

  state = "available"

  # The oldest zone of us-east-1, which accounts know under different letters, has no Graviton.
  exclude_zone_ids = ["use1-az3"]

  # Local zones, which some accounts have opted in to, have neither Fargate nor RDS.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

data "aws_region" "current" {}

locals {
  # Two: what a load balancer and a database's subnet group ask for at least.
  zones = { for index, zone in slice(data.aws_availability_zones.available.names, 0, 2) : tostring(index) => zone }
}

# For the load balancer and the tasks. Tasks have public addresses and closed groups: docs/decisions.md.
resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.value
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, tonumber(each.key))

  tags = { Name = "${var.name}-public-${each.key}" }

  lifecycle {
    ignore_changes = [availability_zone] # a zone that AWS adds is no reason to move
  }
}

# For the database: no road out, and none in.
resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.value
  cidr_block        = cidrsubnet(var.vpc_cidr, 8, 128 + tonumber(each.key))

  tags = { Name = "${var.name}-private-${each.key}" }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}
