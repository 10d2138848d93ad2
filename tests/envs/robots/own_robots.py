"""Small robots in MJCF for tests: a four-legged box with motors."""

from pathlib import Path

LEGS = {"fl": (0.2, 0.12), "fr": (0.2, -0.12), "hl": (-0.2, 0.12), "hr": (-0.2, -0.12)}
FLOOR = '<geom name="floor" type="plane" size="9 9 1"/>'


def leg(name: str, x: float, y: float, foot: str) -> str:
    """Return a leg of 0.2 m with a hip, and a ball of 0.03 m as its foot, at the bottom."""
    return f"""
      <body name="{name}_leg" pos="{x} {y} 0">
        <joint name="{name}_hip" axis="0 1 0" range="-40 40"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.17" size="0.02" mass="0.3" contype="0" conaffinity="0"/>
        <body name="{name}_{foot}" pos="0 0 -0.2">
          <geom name="{name}_ball" type="sphere" size="0.03" mass="0.1"/>
        </body>
      </body>"""


def quadruped(
    root: str = "<freejoint/>",
    floor: str = FLOOR,
    foot: str = "tip",
    actuator: str = '<motor joint="{}_hip" gear="8" ctrlrange="-1 1"/>',
    extra: str = "",
) -> str:
    """Return the MJCF of a box of 0.6 x 0.3 x 0.1 m on four legs, whose feet are 0.23 m below its middle."""
    legs = "".join(leg(name, *place, foot) for name, place in LEGS.items())
    actuators = "".join(actuator.format(name) for name in LEGS)
    return f"""<mujoco model="four-legged box">
  <compiler angle="degree"/>
  <option timestep="0.005"/>
  <default><joint damping="0.2" armature="0.01"/></default>
  <worldbody>
    {floor}
    <body name="box" pos="0 0 0.6">{root}<geom type="box" size="0.3 0.15 0.05" mass="3"/>{legs}
    </body>
  </worldbody>
  <actuator>{actuators}</actuator>
  {extra}
</mujoco>"""


def written(folder: Path, text: str, name: str = "my_robot.xml") -> str:
    """Write an MJCF file and return its path."""
    (folder / name).write_text(text)
    return str(folder / name)
