package vectors

// cidGroups are the groups about catalogue, negotiation, intents and carts.
var cidGroups = []func(*builder){}
