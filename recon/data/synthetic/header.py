"""The ISMRMRD header of a synthetic volume: what a scanner would say of the measurement."""

from string import Template

_HEADER = Template("""<?xml version="1.0" encoding="utf-8"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
  <studyInformation><studyDescription>synthetic knee, simulated by recon $version</studyDescription></studyInformation>
  <measurementInformation><patientPosition>FFS</patientPosition><protocolName>$protocol</protocolName></measurementInformation>
  <acquisitionSystemInformation>
    <systemVendor>simulated</systemVendor>
    <systemFieldStrength_T>2.893620</systemFieldStrength_T>
    <receiverChannels>1</receiverChannels>
  </acquisitionSystemInformation>
  <experimentalConditions><H1resonanceFrequency_Hz>123204022</H1resonanceFrequency_Hz></experimentalConditions>
  <encoding>
    <encodedSpace>
      <matrixSize><x>$rows</x><y>$columns</y><z>1</z></matrixSize>
      <fieldOfView_mm><x>$height</x><y>$width</y><z>$thickness</z></fieldOfView_mm>
    </encodedSpace>
    <reconSpace>
      <matrixSize><x>$size</x><y>$size</y><z>1</z></matrixSize>
      <fieldOfView_mm><x>$field</x><y>$field</y><z>$thickness</z></fieldOfView_mm>
    </reconSpace>
    <encodingLimits>
      <kspace_encoding_step_0><minimum>0</minimum><maximum>$last_row</maximum><center>$middle_row</center></kspace_encoding_step_0>
      <kspace_encoding_step_1><minimum>0</minimum><maximum>$last</maximum><center>$middle</center></kspace_encoding_step_1>
      <slice><minimum>0</minimum><maximum>$last_slice</maximum><center>$middle_slice</center></slice>
    </encodingLimits>
    <trajectory>cartesian</trajectory>
  </encoding>
  <sequenceParameters>
    <TR>2800</TR>
    <TE>27</TE>
    <flipAngle_deg>140</flipAngle_deg>
    <sequence_type>Flash</sequence_type>
    <echo_spacing>8.91</echo_spacing>
  </sequenceParameters>
</ismrmrdHeader>
""")


def ismrmrd_header(
    *, shape: tuple[int, int, int], size: int, spacing: float, thickness: float, protocol: str, version: str
) -> str:
    """Write the header of k-space of shape (slices, rows, columns), whose middle size x size pixels are the image."""
    slices, rows, columns = shape
    return _HEADER.substitute(
        rows=rows,
        columns=columns,
        size=size,
        height=f"{rows * spacing:.4f}",
        width=f"{columns * spacing:.4f}",
        field=f"{size * spacing:.4f}",
        thickness=f"{thickness:.2f}",
        last_row=rows - 1,
        middle_row=rows // 2,
        last=columns - 1,
        middle=columns // 2,
        last_slice=slices - 1,
        middle_slice=slices // 2,
        protocol=protocol,
        version=version,
    )
