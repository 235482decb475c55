#!/usr/bin/env bash
# Makes a release as a registry reads it, signed with a key that is thrown away, checks it, and has Terraform install it.
#
#	release-check.sh TERRAFORM GORELEASER…
#
# With CI=true it builds for few platforms: each of the others takes two cores 40 seconds, where Go's cache is empty.
set -euo pipefail
cd "$(dirname "$0")/.."
terraform=$1
goreleaser=("${@:2}")

platforms=(linux_amd64 windows_amd64)
if [[ ${CI-} == true ]]; then
  export FEW_PLATFORMS=true
else
  platforms+=(darwin_amd64 darwin_arm64 freebsd_amd64 linux_386 linux_arm linux_arm64 windows_arm64)
fi

fail() { echo "release-check: $*" >&2; exit 1; }

work=$(mktemp -d)
trap 'gpgconf --kill all; rm -rf "$work"' EXIT
export GNUPGHOME=$work/gnupg
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'release check' rsa3072 sign 1d
GPG_FINGERPRINT=$(gpg --batch --with-colons --list-secret-keys | awk -F: '/^fpr/ { print $10; exit }')
export GPG_FINGERPRINT

"${goreleaser[@]}" check
"${goreleaser[@]}" release --snapshot --clean

cd dist
sums=$(echo terraform-provider-docker-tls_*_SHA256SUMS)
name=${sums%_SHA256SUMS}
version=${name##*_}
cp ../terraform-registry-manifest.json "${name}_manifest.json" # what the release uploads under this name

gpg --batch --quiet --verify "$sums.sig" "$sums" || fail "the signature of $sums does not hold"
! grep -q -e '-----BEGIN' "$sums.sig" || fail "$sums.sig is text, and the registry wants it binary"
sha256sum --check --strict --quiet "$sums"
listed() { grep -q "^[0-9a-f]\{64\}  $1\$" "$sums" || fail "$sums does not list $1"; }

listed "${name}_manifest.json"
grep -q '"protocol_versions": \["6.0"\]' "${name}_manifest.json" || fail "the manifest names another protocol than 6.0, which main.go serves"
for platform in "${platforms[@]}"; do
  archive=${name}_$platform.zip
  listed "$archive"
  listed "$archive.cdx.json"
  unzip -Z1 "$archive" | grep -x "terraform-provider-docker-tls_v$version\(\.exe\)\?" >/dev/null || fail "$archive has no program of the name that Terraform starts"
  grep -q '"name": "github.com/hashicorp/terraform-plugin-framework"' "$archive.cdx.json" || fail "$archive.cdx.json does not list what is in the program"
done

address=registry.terraform.io/seed-2716f8bf/docker-tls
mkdir -p "$work/mirror/$address" "$work/configuration"
cp "${name}_$(go env GOOS)_$(go env GOARCH).zip" "$work/mirror/$address"
cat >"$work/terraform.rc" <<END
provider_installation {
  filesystem_mirror { path = "$work/mirror" }
}
END
cat >"$work/configuration/main.tf" <<END
terraform {
  required_providers {
    docker = {
      source  = "$address"
      version = "$version"
    }
  }
}
END
cd "$work/configuration"
export TF_CLI_CONFIG_FILE=$work/terraform.rc CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
"$terraform" init -input=false -no-color >"$work/init.log" || fail "terraform init does not install the archive: $(cat "$work/init.log")"
"$terraform" providers schema -json | grep '"docker_tls_ca"' >/dev/null || fail "Terraform does not get the schema from the archive's program"
echo "release-check: $version is as a registry wants it, and Terraform installs it"
