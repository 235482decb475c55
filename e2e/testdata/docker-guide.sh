#!/usr/bin/env bash
# Runs the commands of Docker's guide "Protect the Docker daemon socket" in the current directory:
#
#   HOST=docker.example.com PASSPHRASE=secret docker-guide.sh 2014|current
#
# The commands stand here as the guide prints them, of its first edition and of today's. What it asks a person for
# comes from a pipe; setsid takes the terminal away, so that openssl reads its passphrase there too.
#
# What differs from 2014: openssl then wrote private keys in the traditional format (-traditional), its keys had 1024 bits
# unless told otherwise, and it signed with SHA-1.
set -euo pipefail
umask 077
: "${HOST:?}" "${PASSPHRASE:?}"

openssl() {
  local command=$1
  shift
  if [[ $edition == 2014 && ($command == genrsa || $command == rsa) ]]; then
    set -- -traditional "$@"
  fi
  setsid --wait openssl "$command" "$@"
}

# answers pipes its arguments, one a line, into a prompt.
answers() { printf '%s\n' "$@"; }

guide_2014() {
  echo 01 > ca.srl
  answers "$PASSPHRASE" "$PASSPHRASE" |
    openssl genrsa -des3 -out ca-key.pem
  answers "$PASSPHRASE" AU Queensland Brisbane 'Docker Inc' Boot2Docker "$HOST" Sven@home.org.au |
    openssl req -new -x509 -days 365 -key ca-key.pem -out ca.pem

  answers "$PASSPHRASE" "$PASSPHRASE" |
    openssl genrsa -des3 -out server-key.pem
  answers "$PASSPHRASE" AU Queensland Brisbane 'Docker Inc' . "$HOST" . '' '' |
    openssl req -new -key server-key.pem -out server.csr
  answers "$PASSPHRASE" |
    openssl x509 -req -days 365 -in server.csr -CA ca.pem -CAkey ca-key.pem \
      -out server-cert.pem

  answers "$PASSPHRASE" "$PASSPHRASE" |
    openssl genrsa -des3 -out client-key.pem
  answers "$PASSPHRASE" AU Queensland Brisbane 'Docker Inc' . client . '' '' |
    openssl req -new -key client-key.pem -out client.csr
  echo extendedKeyUsage = clientAuth > extfile.cnf
  answers "$PASSPHRASE" |
    openssl x509 -req -days 365 -in client.csr -CA ca.pem -CAkey ca-key.pem \
      -out client-cert.pem -extfile extfile.cnf

  answers "$PASSPHRASE" |
    openssl rsa -in server-key.pem -out server-key.pem
  answers "$PASSPHRASE" |
    openssl rsa -in client-key.pem -out client-key.pem
}

guide_current() {
  answers "$PASSPHRASE" "$PASSPHRASE" |
    openssl genrsa -aes256 -out ca-key.pem 4096
  answers "$PASSPHRASE" '' Queensland Brisbane 'Docker Inc' Sales "$HOST" Sven@home.org.au |
    openssl req -new -x509 -days 365 -key ca-key.pem -sha256 -out ca.pem

  openssl genrsa -out server-key.pem 4096
  openssl req -subj "/CN=$HOST" -sha256 -new -key server-key.pem -out server.csr
  echo subjectAltName = DNS:$HOST,IP:10.10.10.20,IP:127.0.0.1 >> extfile.cnf
  echo extendedKeyUsage = serverAuth >> extfile.cnf
  answers "$PASSPHRASE" |
    openssl x509 -req -days 365 -sha256 -in server.csr -CA ca.pem -CAkey ca-key.pem \
      -CAcreateserial -out server-cert.pem -extfile extfile.cnf

  openssl genrsa -out key.pem 4096
  openssl req -subj '/CN=client' -new -key key.pem -out client.csr
  echo extendedKeyUsage = clientAuth > extfile-client.cnf
  answers "$PASSPHRASE" |
    openssl x509 -req -days 365 -sha256 -in client.csr -CA ca.pem -CAkey ca-key.pem \
      -CAcreateserial -out cert.pem -extfile extfile-client.cnf

  rm -v client.csr server.csr extfile.cnf extfile-client.cnf
  chmod -v 0400 ca-key.pem key.pem server-key.pem
  chmod -v 0444 ca.pem server-cert.pem cert.pem
}

edition=${1:?2014 or current}
"guide_$edition"
