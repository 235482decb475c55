terraform {
  required_version = ">= 1.11"
  required_providers {
    docker = {
      source  = "seed-2716f8bf/docker-tls"
      version = ">= 0.1"
    }
  }
}
