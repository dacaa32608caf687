package dev.smelt.model;

import java.util.List;

/** Says in words what a family's description contains. */
final class FamilyFeatures {
  private FamilyFeatures() {}

  static List<String> of(Family family) {
    return List.copyOf(family.remarks);
  }
}
