using System.Security.Cryptography;

namespace Sendcat.Attacks.Stage;

/// <summary>The secrets of one run: none of them may ever be seen in an answer or in a log.</summary>
internal sealed class RunSecrets
{
    public string OperatorKey { get; } = Make();

    public string ViewerKey { get; } = Make();

    public string SigningKey { get; } = Make() + Make();

    public string ModelKey { get; } = Make();

    public string SearchKey { get; } = Make();

    public string ShopKey { get; } = Make();

    /// <summary>What somebody whom no attacker may read has written.</summary>
    public string PrivateWords { get; } = Make();

    public IReadOnlyList<string> All => [OperatorKey, ViewerKey, SigningKey, ModelKey, SearchKey, ShopKey, PrivateWords];

    private static string Make() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
