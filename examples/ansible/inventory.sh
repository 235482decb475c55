#!/bin/sh
# Ansible's inventory is an output of Terraform. Each run reads it, and no file holds it.
cd "$(dirname "$0")" && exec terraform output -json inventory
