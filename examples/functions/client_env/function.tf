resource "terraform_data" "services" {
  provisioner "local-exec" {
    command     = "docker compose up --detach"
    environment = provider::docker::client_env("web1.example.com", pathexpand("~/.docker/web1"))
  }
}
