resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:Flow logs cost $0.50 a GB; the groups below let nothing in but the load balancer's traffic, which is logged

  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

# Everything has a group of its own; whatever is put into this one by mistake reaches nothing.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}
