package vectors

// addGroups are the groups about identity credentials, intents, mandates, status and bounds.
var addGroups = []func(*builder){
	groupMandate, groupMandateTwins, groupMandateToken, groupMandateHeader, groupMandateSignature,
	groupMandateKeys, groupMandateClaims, groupMandatePayload, groupMandateTime, groupMandateState,
	groupSelective, groupIntent, groupBounds, groupLifecycle, groupStatus, groupIssue, groupIdentity, groupBinding,
}
