namespace Sendcat.Attacks.Sockets;

/// <summary>What a client does with its connections.</summary>
internal enum HoldKind
{
    /// <summary>Sends nothing.</summary>
    Idle,

    /// <summary>Sends one header line a second and never ends the headers.</summary>
    SlowHeaders,

    /// <summary>Sends one byte of a body a second.</summary>
    SlowBodies,

    /// <summary>Requests a long response and does not read it.</summary>
    NeverReaders,
}
