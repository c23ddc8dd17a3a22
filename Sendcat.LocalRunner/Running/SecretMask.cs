using Aspire.Hosting.ApplicationModel;

namespace Sendcat.LocalRunner.Running;

/// <summary>Replaces the values of secret parameters in what a process prints.</summary>
internal sealed class SecretMask(IReadOnlyList<string> secrets)
{
    /// <summary>Characters; a shorter secret would mask half of every line.</summary>
    private const int Shortest = 6;

    public static readonly SecretMask None = new([]);

    public static async Task<SecretMask> OfAsync(IEnumerable<IResource> resources, CancellationToken cancellationToken)
    {
        var secrets = new List<string>();
        foreach (var parameter in resources.OfType<ParameterResource>().Where(parameter => parameter.Secret))
        {
            if (await parameter.GetValueAsync(cancellationToken) is { Length: >= Shortest } value)
            {
                secrets.Add(value);
            }
        }

        return new(secrets);
    }

    public string Apply(string line) => secrets.Aggregate(line, (text, secret) => text.Replace(secret, "***", StringComparison.Ordinal));
}
