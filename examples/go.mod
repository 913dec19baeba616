module github.com/actprotocol/act-go/examples

go 1.26

replace github.com/actprotocol/act-go => ../

require (
	github.com/actprotocol/act-go v0.0.0
	github.com/go-jose/go-jose/v4 v4.1.8
	github.com/go-json-experiment/json v1.27.2
	github.com/gowebpki/jcs v1.0.2
	github.com/lestrrat-go/jwx/v3 v3.3.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	zombiezen.com/go/sqlite v1.4.2
)
