// Package identity names the parties: DIDs of the methods act, web and key,
// and the documents that give a DID its keys, each with one purpose and a
// period.
//
// Nothing here opens a connection. [Handler] serves your own documents where
// their DIDs lead to. [DID.DocumentURL] says where a document is,
// package verifier fetches it within limits of size, time and address, and
// [DecodeDocument] reads it against the DID that was asked for. did:key needs
// no fetching: [ResolveKeyDID].
//
// Advice: ask a document for a key with [Document.Key] and nothing else. It
// takes the purpose and the time of the signature, and it is the only place
// where both are judged.
//
// Promise (IDN-02): an identifier has one spelling; an unknown key, a key of
// another purpose, a key outside its period and a compromised key are refused;
// what cannot be read in the strict form is refused as a whole.
package identity
