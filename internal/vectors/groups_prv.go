package vectors

// prvGroups are the groups about selective disclosure, sealed payloads and pseudonyms.
var prvGroups = []func(*builder){groupSealed, groupPseudonym, groupGuard, groupDisclose}
