-- Words are folded before they are indexed (relay/folding.h): what was indexed before is once more.
TRUNCATE search;
DELETE FROM meta WHERE k = 'search_place';
