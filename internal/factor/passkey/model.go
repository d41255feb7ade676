package passkey

import "encoding/hex"

// models are the names of common authenticators by AAGUID, as their makers publish
// them (github.com/passkeydeveloper/passkey-authenticator-aaguids). They only
// suggest a name for a passkey: no attestation confirms them.
var models = map[string]string{
	"fbfc3007154e4ecc8c0b6e020557d7bd": "iCloud Keychain",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "iCloud Keychain",
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"d345266801fd4c12926c83a4204853aa": "Microsoft Password Manager",
	"771b48fdd3d44f749232fc157ab0507a": "Edge on Mac",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"b84e404815dc4dd08640f4f60813c8af": "NordPass",
	"0ea242b443c44a1b8b17dd6d0b6baec6": "Keeper",
	"f38095407f1449c1a8b38f813b225541": "Enpass",
	"50726f746f6e5061737350726f746f6e": "Proton Pass",
	"53414d53554e47000000000000000000": "Samsung Pass",
	"2fc0579f811347eab116bb5a8db9202a": "YubiKey",
	"73bb0cd4e50249b89c6fb59445bf720b": "YubiKey",
}

// model returns the name of a passkey's authenticator, or "" if it is unknown.
func model(aaguid []byte) string { return models[hex.EncodeToString(aaguid)] }
