using System.Security.Cryptography;

namespace Sendcat.Attacks.Target;

/// <summary>The secrets of one run. None of them may be in a response or in a log.</summary>
internal sealed class RunSecrets
{
    public string OperatorKey { get; } = Create();

    public string ViewerKey { get; } = Create();

    public string SigningKey { get; } = Create() + Create();

    public string ModelKey { get; } = Create();

    public string SearchKey { get; } = Create();

    public string ShopKey { get; } = Create();

    public string MailKey { get; } = Create();

    /// <summary>The message of a guest whose thread no attacker may read.</summary>
    public string PrivateText { get; } = Create();

    public IReadOnlyList<string> All => [OperatorKey, ViewerKey, SigningKey, ModelKey, SearchKey, ShopKey, MailKey, PrivateText];

    private static string Create() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
