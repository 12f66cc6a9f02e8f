"""What the platform costs a month, computed from a Terraform plan.

    terraform show -json PLAN > plan.json
    python -m terraform.bill plan.json --at-most 60

`prices.csv` holds list prices of us-east-1 in dollars, `usage.csv` what no plan tells (runs a day, gigabytes) and
`free.csv` the types of resources that cost nothing. What is in none of them stops the bill: the unknown is never zero.
docs/costs.md is its result.
"""
