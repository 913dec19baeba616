package vectors

// crdGroups are the groups about credit association.
var crdGroups = []func(*builder){groupCredit, groupCreditLife, groupCreditEdges}
