using Aspire.Hosting;
using Sendcat.LocalRunner.Testing;

namespace Sendcat.LocalRunner.Hosting;

/// <summary>What this runner does not do ends it with exit code 2 and one sentence; inside a test it is an exception.</summary>
internal static class Refusal
{
    public static DistributedApplicationException Of(string sentence)
    {
        if (EntryPointCapture.Current is null)
        {
            Console.Error.WriteLine(sentence);
            Environment.Exit(2);
        }

        return new(sentence);
    }
}
