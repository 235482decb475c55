# The files of the certificate and of its private key. The key's passphrase, if it has one, comes from the environment.
DOCKER_TLS_IMPORT_PASSPHRASE='…' terraform import docker_tls_ca.this ca.pem,ca-key.pem
