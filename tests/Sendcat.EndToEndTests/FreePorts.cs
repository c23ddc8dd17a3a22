using Sendcat.AppHost;

namespace Sendcat.EndToEndTests;

/// <summary>Ports for a system of a test: above those that a run takes when nobody chose, below those of Sendcat.TestKit's servers (FreePort).</summary>
internal static class FreePorts
{
    private const int First = 10_200;
    private const int Count = 48;

    public static LocalPorts Choose()
    {
        var candidates = Enumerable.Range(0, Count).Select(block => new LocalPorts(First + (block * LocalPorts.Block))).ToArray();
        Random.Shared.Shuffle(candidates);
        return candidates.First(ports => ports.Problem() is null && ports.Taken() is []);
    }
}
