package vectors

// psdGroups are the groups about payment messages, A402, trades and sub-accounts.
var psdGroups = []func(*builder){
	groupFingerprint, groupNeeded, groupProof, groupValidation, groupPay, groupInstant,
	groupResult, groupAsk, groupSubAccount, groupPrincipal, groupTrade, groupError, groupPayEdges,
	groupBind, groupDelivery, groupRefund, groupTradeState, groupNotification, groupHTTP, groupTAP, groupVerifyEdges,
}
