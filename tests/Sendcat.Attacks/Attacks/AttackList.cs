namespace Sendcat.Attacks.Attacks;

/// <summary>All attacks by their number.</summary>
internal static class AttackList
{
    public static IReadOnlyList<Attack> All { get; } =
    [
        new IdleSockets(), new BreakingEvents(), new EveryPlace(), new OthersCircuit(), new OwnershipChecks(), new OperatorsMoney(), new FiveHundreds(), new PasswordFlood(),
        new AllLimits(), new GuessedSession(), new OperatorSecrets(), new FilledMemory(), new OriginsAndOutput(), new ThrownOut(), new TellingAccountsApart(), new Leaks(),
    ];

    /// <summary>The knobs of all attacks that share a system.</summary>
    public static IEnumerable<KeyValuePair<string, string>> SharedKnobs => All.Where(attack => attack.Own is null).SelectMany(attack => attack.Knobs);
}
