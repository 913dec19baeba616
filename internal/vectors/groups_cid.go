package vectors

// cidGroups are the groups about catalogue, negotiation, intents and carts.
var cidGroups = []func(*builder){
	groupCatalogue, groupCard, groupCapability, groupNegotiate, groupNegotiation,
	groupNeed, groupNeedUpdate, groupCandidates, groupJudge, groupCardMade, groupCart, groupOrder, groupCheck,
}
