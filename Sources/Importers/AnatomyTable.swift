// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// SNOMED CT codes of structures that published models name: code, meaning, names (lower case, without the side).
/// Codes: DICOM PS3.16 context groups (as in pydicom's dictionary), and for single bones and muscles the mapping that
/// TotalSegmentator publishes (resources/totalsegmentator_snomed_mapping.csv).
enum AnatomyTable {
    static let structures = """
        23451007|Adrenal gland|adrenal gland, adrenal, suprarenal gland
        15825003|Aorta|aorta
        244849004|Deep muscle of back|autochthon
        12738006|Brain|brain
        51299004|Clavicle|clavicula, clavicle
        71854001|Colon|colon
        38848004|Duodenum|duodenum
        32849002|Esophagus|esophagus, oesophagus
        89545001|Face|face
        71341001|Femur|femur
        28231008|Gallbladder|gallbladder, gall bladder
        181674001|Gluteus maximus muscle|gluteus maximus
        78333006|Gluteus medius muscle|gluteus medius
        75297007|Gluteus minimus muscle|gluteus minimus
        82471001|Left atrium|left heart atrium, left atrium
        73829009|Right atrium|right heart atrium, right atrium
        74281007|Myocardium|heart myocardium, myocardium
        87878005|Left ventricle|left heart ventricle, left ventricle, lv pool, lv
        53085002|Right ventricle|right heart ventricle, right ventricle, rv pool, rv
        80891009|Heart|heart
        29836001|Hip|hip
        85050009|Humerus|humerus
        73634005|Common iliac artery|iliac artery, common iliac artery
        46027005|Common iliac vein|iliac vena, iliac vein, common iliac vein
        68455001|Iliopsoas muscle|iliopsoas
        64131007|Inferior vena cava|inferior vena cava, ivc, postcava
        64033007|Kidney|kidney
        50403003|Renal cortex|kidney cortex, renal cortex
        25990002|Renal pelvis|renal pelvis
        10200004|Liver|liver
        39607008|Lung|lung
        90572001|Lower lobe of lung|lung lower lobe
        72481006|Middle lobe of right lung|right lung middle lobe
        45653009|Upper lobe of lung|lung upper lobe
        15776009|Pancreas|pancreas
        110765007|Portal vein and splenic vein|portal vein and splenic vein, portal and splenic veins
        32764006|Portal vein|portal vein
        81040000|Pulmonary artery|pulmonary artery
        122972007|Pulmonary vein|pulmonary vein
        48535007|First rib|rib 1
        78247007|Second rib|rib 2
        25888004|Third rib|rib 3
        25523003|Fourth rib|rib 4
        15339008|Fifth rib|rib 5
        59558009|Sixth rib|rib 6
        24915002|Seventh rib|rib 7
        5953002|Eighth rib|rib 8
        22565002|Ninth rib|rib 9
        77644006|Tenth rib|rib 10
        58830002|Eleventh rib|rib 11
        43993008|Twelfth rib|rib 12
        113197003|Rib|rib, ribs
        54735007|Sacrum|sacrum
        79601000|Scapula|scapula
        30315005|Small intestine|small bowel, small intestine
        14742008|Large intestine|large bowel, large intestine
        34402009|Rectum|rectum
        78961009|Spleen|spleen
        69695003|Stomach|stomach
        44567001|Trachea|trachea
        110726009|Trachea and bronchus|lung trachea bronchia
        89837001|Urinary bladder|urinary bladder, bladder
        65985001|S1 vertebra|vertebrae s1
        14806007|C1 vertebra|vertebrae c1
        39976000|C2 vertebra|vertebrae c2
        113205007|C3 vertebra|vertebrae c3
        5329002|C4 vertebra|vertebrae c4
        36978003|C5 vertebra|vertebrae c5
        36054005|C6 vertebra|vertebrae c6
        87391001|C7 vertebra|vertebrae c7
        64864005|T1 vertebra|vertebrae t1
        53733008|T2 vertebra|vertebrae t2
        1626008|T3 vertebra|vertebrae t3
        73071006|T4 vertebra|vertebrae t4
        56401006|T5 vertebra|vertebrae t5
        45296009|T6 vertebra|vertebrae t6
        62487009|T7 vertebra|vertebrae t7
        11068009|T8 vertebra|vertebrae t8
        82687006|T9 vertebra|vertebrae t9
        7610001|T10 vertebra|vertebrae t10
        12989004|T11 vertebra|vertebrae t11
        23215003|T12 vertebra|vertebrae t12
        66794005|L1 vertebra|vertebrae l1
        14293000|L2 vertebra|vertebrae l2
        36470004|L3 vertebra|vertebrae l3
        11994002|L4 vertebra|vertebrae l4
        49668003|L5 vertebra|vertebrae l5
        51282000|Vertebra|vertebra, vertebrae
        12691009|Brachiocephalic artery|brachiocephalic trunk
        29700009|Subclavian artery|subclavian artery
        32062004|Common carotid artery|common carotid artery
        8887007|Brachiocephalic vein|brachiocephalic vein
        33626005|Left auricular appendage|left atrial appendage
        48345005|Superior vena cava|superior vena cava, svc
        57850000|Celiac artery|celiac artery, celiac trunk, celiac truck, coeliac trunk
        8993003|Hepatic vein|hepatic vein
        51114001|Artery|artery, arteries
        29092000|Vein|vein, veins
        41216001|Prostate|prostate
        279706003|Peripheral zone of the prostate|peripheral zone, pz, prostate peripheral zone
        399384005|Transition zone of the prostate|transition zone, tz, prostate transition zone
        64234005|Patella|patella
        12611008|Tibia|tibia
        87342007|Fibula|fibula
        23416004|Ulna|ulna
        62413002|Radius|radius
        56873002|Sternum|sternum
        89546000|Skull|skull
        2748008|Spinal cord|spinal cord
        127954009|Skeletal muscle|skeletal muscle
        41801008|Coronary artery|coronary arteries, coronary artery
        69748006|Thyroid gland|thyroid gland, thyroid
        50016007|Costal cartilage|costal cartilages
        49841001|Third ventricle|3rd ventricle, third ventricle
        35918002|Fourth ventricle|4th ventricle, fourth ventricle
        66720007|Lateral ventricle|lateral ventricle
        53118009|Inferior horn of lateral ventricle|inf lat vent, inferior lateral ventricle
        427667007|Nucleus accumbens|accumbens area, accumbens, nucleus accumbens
        4958002|Amygdala|amygdala
        119238007|Brain stem|brain stem, brainstem
        11000004|Caudate nucleus|caudate, caudate nucleus
        113305005|Cerebellum|cerebellum
        25991003|Cerebellar cortex|cerebellum exterior, cerebellum cortex
        33060004|Cerebellar white matter|cerebellum white matter
        68523003|Cerebral white matter|cerebral white matter
        40146001|Cerebral cortex|cerebral cortex
        5366008|Hippocampus|hippocampus
        14738005|Globus pallidus|pallidum, globus pallidus
        89278009|Putamen|putamen
        42695009|Thalamus|thalamus proper, thalamus
        """

    /// Lesions: code, meaning, words that stand after or before the name of the organ.
    static let lesions = """
        108369006|Neoplasm|tumor, tumour, neoplasm
        367643001|Cyst|cyst
        27925004|Nodule|nodule
        50960005|Hemorrhage|hemorrhage, haemorrhage, bleed
        79654002|Edema|edema, oedema
        6574001|Necrosis|necrosis
        41699000|Effusion|effusion
        """

    /// BI-RADS breast composition (CID 6001), as breast density classifiers letter it.
    static let breastComposition: [String: (value: String, meaning: String)] = [
        "A": ("129716005", "Almost entirely fat"), "B": ("129717001", "Scattered fibroglandular densities"),
        "C": ("129718006", "Heterogeneously dense"), "D": ("129719003", "Extremely dense"),
    ]
}
