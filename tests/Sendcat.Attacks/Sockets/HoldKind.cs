namespace Sendcat.Attacks.Sockets;

/// <summary>What a client does with connections that it holds.</summary>
internal enum HoldKind
{
    /// <summary>Nothing.</summary>
    Idle,

    /// <summary>One header line a second, without end.</summary>
    SlowHeaders,

    /// <summary>One byte of a body a second.</summary>
    SlowBodies,

    /// <summary>Asks for a long answer and reads nothing of it.</summary>
    NeverReaders,
}
