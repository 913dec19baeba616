package vectors

// coreGroups are the groups about what all domains share: bytes, numbers,
// times, names and keys (SPEC.md 1 to 3).
var coreGroups = []func(*builder){
	groupCanon, groupDigest, groupBytes,
	groupMoney, groupTime,
	groupDID, groupDocument, groupJWK,
	groupSignature, groupJWS, groupMessage, groupEdges, groupEvidenceEdges, groupTextEdges,
}
