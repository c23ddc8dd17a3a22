namespace Sendcat.Attacks.Attacks;

/// <summary>All attacks by their number.</summary>
internal static class AttackList
{
    public static IReadOnlyList<Attack> All { get; } =
    [
        new IdleSockets(), new MalformedModelOutput(), new SlotExhaustion(), new ChosenModelCircuit(), new OwnershipChecks(),
        new BudgetExhaustion(), new MalformedRequests(), new PasswordFlood(),
        new LimitEvasion(), new GuessedSession(), new OperatorSecrets(), new MemoryExhaustion(), new OriginsAndOutput(), new StolenTokens(),
        new AccountEnumeration(), new InformationLeaks(),
    ];

    /// <summary>The knobs of all attacks that share a system.</summary>
    public static IEnumerable<KeyValuePair<string, string>> SharedKnobs =>
        All.Where(attack => attack.OwnSystem is null).SelectMany(attack => attack.Knobs);
}
