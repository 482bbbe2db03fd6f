/** Version of Coppice itself; the drop-ins print that of the original they stand in for. */
export const version = '0.1.0';
