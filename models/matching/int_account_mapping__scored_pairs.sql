{#- Letters of a website's label that another one's may begin with by no chance. -#}
{%- set least_label = 6 -%}
{#- Of names that are not equal, on one website in one city: from here on they are one company's. -#}
{%- set namesake_threshold = 0.5 -%}
{%- set telling_key_types = "'lei', 'duns', 'domain', 'name_country', 'name_short', 'name_place'" -%}
{#- What the seed says of keys; what it says of names int_account_mapping__fuzzy_pairs reads. -#}
{%- set settings = [
    'probability_other_company', 'probability_contradicted', 'probability_identifier', 'probability_hierarchy',
    'probability_own_website', 'probability_own_website_by_name',
    'probability_group_website', 'probability_group_website_by_name', 'probability_alias',
    'probability_shared_website', 'probability_shared_website_by_name',
    'probability_own_mail_domain', 'probability_own_mail_domain_by_name',
    'probability_shared_mail_domain', 'probability_shared_mail_domain_by_name',
    'odds_other_website', 'odds_settled_elsewhere',
    'probability_name_and_country', 'probability_name', 'probability_name_other_country', 'probability_name_of_several',
    'probability_folded_name_and_country', 'probability_folded_name', 'probability_better_name_elsewhere',
    'probability_core_name_and_country', 'probability_core_name', 'probability_core_name_other_country',
    'probability_core_name_of_several', 'probability_initials', 'probability_initials_of_several',
    'probability_near_name', 'probability_near_name_of_several',
] -%}
with

match_weights as (

    select
        {% for setting in settings -%}
        max(case when feature = '{{ setting }}' then cast(weight as decimal(5, 4)) end) as {{ setting }},
        {% endfor -%}
        count(*) as n_weights

    from {{ ref('account_mapping__match_weights') }}

),

key_matches as (

    select * from {{ ref('int_account_mapping__key_matches') }}

),

fuzzy_pairs as (

    select * from {{ ref('int_account_mapping__fuzzy_pairs') }}

),

shared_websites as (

    select * from {{ ref('int_account_mapping__shared_websites') }}

),

name_calibration as (

    select * from {{ ref('int_account_mapping__name_calibration') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}

),

hashed_keys as (

    select * from {{ ref('int_account_mapping__compared_keys') }}

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'subsidiary'

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

matched_keys as (

    select
        partner_id,
        account_id,
        partner_account_id,
        max(case when key_type = 'lei' then 1 else 0 end) = 1 as has_lei,
        max(case when key_type = 'duns' then 1 else 0 end) = 1 as has_duns,
        max(case when key_type in ('vat_id', 'linkedin') then 1 else 0 end) = 1 as has_other_identifier,
        min(case when key_type in ('lei', 'duns', 'vat_id', 'linkedin') then key_type end) as identifier,
        max(case when key_type = 'alias' then 1 else 0 end) = 1 as has_alias,
        min(case when key_type = 'alias' then key_value end) as alias_of,
        max(case when key_type in ('name', 'name_sorted') then 1 else 0 end) = 1 as has_exact_name,
        max(case when key_type in ('name_country', 'name_sorted_country', 'name_place') then 1 else 0 end) = 1
            as has_exact_name_and_country,
        max(case when key_type in ('name_short', 'name_place') then 1 else 0 end) = 1 as has_short_name,
        max(case when key_type = 'name_short_country' then 1 else 0 end) = 1 as has_short_name_and_country,
        max(
            case
                when key_type in ('name_short', 'name_short_country', 'name_place') and is_unambiguous then 1 else 0
            end
        ) = 1 as has_sole_name,
        max(case when key_type = 'name_core' then 1 else 0 end) = 1 as has_core_name,
        max(case when key_type = 'name_core_country' then 1 else 0 end) = 1 as has_core_name_and_country,
        max(case when key_type in ('name_core', 'name_core_country') and is_unambiguous then 1 else 0 end) = 1
            as has_sole_core_name,
        max(case when key_type = 'name_initials_country' then 1 else 0 end) = 1 as has_initials,
        max(case when key_type = 'name_initials_country' and is_unambiguous then 1 else 0 end) = 1
            as has_sole_initials,
        max(case when key_type = 'name_typo' then 1 else 0 end) = 1 as has_near_name,
        -- each spelling that the two share must be theirs alone
        min(case when key_type = 'name_typo' and not is_unambiguous then 0 else 1 end) = 1 as has_sole_near_name,
        -- how much of the name is equal: all words, all but additions, the first word and initials, all but a letter
        min(case
            when key_type like 'name_initials%' then 3
            when key_type like 'name_core%' then 2
            when key_type = 'name_typo' then 4
            when key_type like 'name%' then 1
        end) as name_key_rank

    from key_matches
    group by partner_id, account_id, partner_account_id

),

-- a domain that is declared a subsidiary's links it with the accounts on the parent's domain
declared_families as (

    select
        theirs.partner_id,
        ours.account_id,
        theirs.account_id as partner_account_id,
        'subsidiary' as declared_relationship,
        domain_aliases.domain as declared_domain,
        domain_aliases.canonical_domain as declared_parent_domain

    from domain_aliases
    inner join account_keys as ours
        on
            ours.side = 'ours'
            and ours.key_type = 'domain'
            and domain_aliases.domain = ours.key_value
    inner join account_keys as theirs
        on
            theirs.side = 'partner'
            and theirs.key_type = 'domain'
            and domain_aliases.canonical_domain = theirs.key_value

    union all

    select
        theirs.partner_id,
        ours.account_id,
        theirs.account_id as partner_account_id,
        'parent' as declared_relationship,
        domain_aliases.domain as declared_domain,
        domain_aliases.canonical_domain as declared_parent_domain

    from domain_aliases
    inner join account_keys as ours
        on
            ours.side = 'ours'
            and ours.key_type = 'domain'
            and domain_aliases.canonical_domain = ours.key_value
    inner join account_keys as theirs
        on
            theirs.side = 'partner'
            and theirs.key_type = 'domain'
            and domain_aliases.domain = theirs.key_value

),

declared as (

    select
        partner_id,
        account_id,
        partner_account_id,
        max(declared_relationship) as declared_relationship,
        min(declared_domain) as declared_domain,
        min(declared_parent_domain) as declared_parent_domain

    from declared_families
    group by partner_id, account_id, partner_account_id

),

-- an account whose whole name is found does not also have part of it in common with another company
name_rivals as (

    select
        partner_id,
        account_id,
        partner_account_id,
        least(
            min(name_key_rank) over (partition by partner_id, account_id),
            min(name_key_rank) over (partition by partner_id, partner_account_id)
        ) < name_key_rank as has_better_name_elsewhere

    from matched_keys

),

pairs as (

    select
        partner_id,
        account_id,
        partner_account_id

    from matched_keys

    union

    select
        partner_id,
        account_id,
        partner_account_id

    from fuzzy_pairs

    union

    select
        partner_id,
        account_id,
        partner_account_id

    from declared

),

our_paired_accounts as (

    select distinct
        partner_id,
        account_id

    from pairs

),

-- which kinds of key each side has at all: one that both have and do not share speaks against the pair
our_keys as (

    select
        '*' as partner_id,
        account_id,
        key_type

    from account_keys
    where
        side = 'ours'
        and key_type in ({{ telling_key_types }})

    union all

    select
        hashed_keys.partner_id,
        hashed_keys.account_id,
        hashed_keys.key_type

    from hashed_keys
    inner join our_paired_accounts
        on
            hashed_keys.partner_id = our_paired_accounts.partner_id
            and hashed_keys.account_id = our_paired_accounts.account_id
    where hashed_keys.key_type in ({{ telling_key_types }})

),

our_key_types as (

    select
        partner_id,
        account_id,
        max(case when key_type = 'lei' then 1 else 0 end) as lei,
        max(case when key_type = 'duns' then 1 else 0 end) as duns,
        max(case when key_type = 'domain' then 1 else 0 end) as website,
        max(case when key_type = 'name_country' then 1 else 0 end) as country,
        max(case when key_type in ('name_short', 'name_place') then 1 else 0 end) as name

    from our_keys
    group by partner_id, account_id

),

their_keys as (

    select
        partner_id,
        account_id,
        key_type

    from account_keys
    where
        side = 'partner'
        and key_type in ({{ telling_key_types }})

    union all

    select
        partner_id,
        account_token as account_id,
        key_type

    from partner_key_rows
    where key_type in ({{ telling_key_types }})

),

their_key_types as (

    select
        partner_id,
        account_id,
        max(case when key_type = 'lei' then 1 else 0 end) as lei,
        max(case when key_type = 'duns' then 1 else 0 end) as duns,
        max(case when key_type = 'domain' then 1 else 0 end) as website,
        max(case when key_type = 'name_country' then 1 else 0 end) as country,
        max(case when key_type in ('name_short', 'name_place') then 1 else 0 end) as name

    from their_keys
    group by partner_id, account_id

),

-- two websites with one label, acme.com and acme.de, or acmetools.com and acmetoolsgroup.com, contradict nothing
labels as (

    select distinct
        side,
        partner_id,
        account_id,
        replace(split_part(key_value, '.', 1), '-', '') as label

    from account_keys
    where
        key_type = 'domain'
        and key_value not like '%/%'

),

like_websites as (

    select distinct
        fuzzy_pairs.partner_id,
        fuzzy_pairs.account_id,
        fuzzy_pairs.partner_account_id

    from fuzzy_pairs
    inner join labels as our_labels
        on
            our_labels.side = 'ours'
            and fuzzy_pairs.account_id = our_labels.account_id
    inner join labels as their_labels
        on
            their_labels.side = 'partner'
            and fuzzy_pairs.partner_id = their_labels.partner_id
            and fuzzy_pairs.partner_account_id = their_labels.account_id
            and (
                our_labels.label = their_labels.label
                or (
                    length(our_labels.label) >= {{ least_label }}
                    and left(their_labels.label, length(our_labels.label)) = our_labels.label
                )
                or (
                    length(their_labels.label) >= {{ least_label }}
                    and left(our_labels.label, length(their_labels.label)) = their_labels.label
                )
            )

),

evidence as (

    select
        pairs.partner_id,
        pairs.account_id,
        pairs.partner_account_id,
        partners.exchange,
        coalesce(matched_keys.has_lei, false) as has_lei,
        coalesce(matched_keys.has_duns, false) as has_duns,
        coalesce(matched_keys.has_other_identifier, false) as has_other_identifier,
        matched_keys.identifier,
        not coalesce(matched_keys.has_lei, false)
        and coalesce(our_key_types.lei * their_key_types.lei, 0) = 1 as has_lei_conflict,
        not coalesce(matched_keys.has_duns, false)
        and coalesce(our_key_types.duns * their_key_types.duns, 0) = 1 as has_duns_conflict,
        coalesce(matched_keys.has_alias, false) as has_alias,
        matched_keys.alias_of,
        shared_websites.domain as shared_domain,
        coalesce(shared_websites.is_website and shared_websites.owner <> 'host', false) as has_domain,
        coalesce(not shared_websites.is_website and shared_websites.owner <> 'host', false) as has_email_domain,
        shared_websites.owner as website_owner,
        shared_websites.owner_reason as website_owner_reason,
        coalesce(shared_websites.is_of_one_family, false) as is_of_one_family,
        shared_websites.our_name_fits,
        shared_websites.partner_name_fits,
        shared_websites.domain is null
        and like_websites.account_id is null
        and coalesce(our_key_types.website * their_key_types.website, 0) = 1 as has_domain_conflict,
        declared.declared_relationship,
        declared.declared_domain,
        declared.declared_parent_domain,
        coalesce(matched_keys.has_exact_name, false) as has_exact_name,
        case when partners.exchange = 'keys' then matched_keys.name_key_rank end as name_key_rank,
        coalesce(our_key_types.name * their_key_types.name, 0) = 1 as has_names,
        fuzzy_pairs.name_similarity,
        case
            when partners.exchange = 'list' then fuzzy_pairs.country_agreement
            when matched_keys.has_exact_name_and_country or matched_keys.has_short_name_and_country then 'same'
            when matched_keys.has_core_name_and_country or matched_keys.has_initials or matched_keys.has_near_name
                then 'same'
            when
                matched_keys.name_key_rank is not null
                and coalesce(our_key_types.country * their_key_types.country, 0) = 1
                then 'different'
            else 'unknown'
        end as country_agreement,
        case matched_keys.name_key_rank
            when 1 then matched_keys.has_sole_name
            when 2 then matched_keys.has_sole_core_name
            when 3 then matched_keys.has_sole_initials
            when 4 then matched_keys.has_sole_near_name
        end as is_sole_name,
        fuzzy_pairs.state_agreement,
        fuzzy_pairs.city_agreement,
        fuzzy_pairs.name_likeness,
        coalesce(fuzzy_pairs.is_common_name, false) as is_common_name,
        coalesce(fuzzy_pairs.is_region_name, false) as is_region_name,
        coalesce(fuzzy_pairs.is_part_name, false) as is_part_name,
        coalesce(fuzzy_pairs.is_other_company, false) as is_other_company,
        fuzzy_pairs.contradiction,
        fuzzy_pairs.shared_words,
        fuzzy_pairs.our_other_words,
        fuzzy_pairs.partner_other_words,
        fuzzy_pairs.rival_similarity,
        fuzzy_pairs.relationship_by_name,
        case
            when partners.exchange = 'list'
                then case
                    when fuzzy_pairs.name_probability is null then 0.0
                    else {{ account_mapping.shift_odds(
                        'fuzzy_pairs.name_probability', 'name_calibration.intercept', 'name_calibration.slope'
                    ) }}
                end
            -- across the hash only equality can be seen; a country that both keyed and do not share weakens it
            when not coalesce(matched_keys.has_sole_name, false) and matched_keys.has_short_name
                then match_weights.probability_name_of_several
            when matched_keys.has_exact_name_and_country then match_weights.probability_name_and_country
            when matched_keys.has_short_name_and_country then match_weights.probability_folded_name_and_country
            when
                (matched_keys.has_exact_name or matched_keys.has_short_name)
                and coalesce(our_key_types.country * their_key_types.country, 0) = 1
                then match_weights.probability_name_other_country
            when matched_keys.has_exact_name then match_weights.probability_name
            when matched_keys.has_short_name then match_weights.probability_folded_name
            when name_rivals.has_better_name_elsewhere then match_weights.probability_better_name_elsewhere
            when matched_keys.has_core_name
                then case
                    when not matched_keys.has_sole_core_name then match_weights.probability_core_name_of_several
                    when matched_keys.has_core_name_and_country then match_weights.probability_core_name_and_country
                    when coalesce(our_key_types.country * their_key_types.country, 0) = 1
                        then match_weights.probability_core_name_other_country
                    else match_weights.probability_core_name
                end
            when matched_keys.has_initials
                then case
                    when matched_keys.has_sole_initials then match_weights.probability_initials
                    else match_weights.probability_initials_of_several
                end
            when matched_keys.has_near_name
                then case
                    when matched_keys.has_sole_near_name then match_weights.probability_near_name
                    else match_weights.probability_near_name_of_several
                end
            else 0.0
        end as name_probability

    from pairs
    cross join match_weights
    inner join partners
        on pairs.partner_id = partners.partner_id
    inner join members as our_members
        on
            our_members.side = 'ours'
            and partners.account_scope = our_members.scope
            and pairs.account_id = our_members.account_id
    inner join members as their_members
        on
            their_members.side = 'partner'
            and pairs.partner_id = their_members.scope
            and pairs.partner_account_id = their_members.account_id
    left join matched_keys
        on
            pairs.partner_id = matched_keys.partner_id
            and pairs.account_id = matched_keys.account_id
            and pairs.partner_account_id = matched_keys.partner_account_id
    left join name_rivals
        on
            pairs.partner_id = name_rivals.partner_id
            and pairs.account_id = name_rivals.account_id
            and pairs.partner_account_id = name_rivals.partner_account_id
    left join fuzzy_pairs
        on
            pairs.partner_id = fuzzy_pairs.partner_id
            and pairs.account_id = fuzzy_pairs.account_id
            and pairs.partner_account_id = fuzzy_pairs.partner_account_id
    left join shared_websites
        on
            pairs.partner_id = shared_websites.partner_id
            and pairs.account_id = shared_websites.account_id
            and pairs.partner_account_id = shared_websites.partner_account_id
    left join like_websites
        on
            pairs.partner_id = like_websites.partner_id
            and pairs.account_id = like_websites.account_id
            and pairs.partner_account_id = like_websites.partner_account_id
    left join name_calibration
        on pairs.partner_id = name_calibration.partner_id
    left join declared
        on
            pairs.partner_id = declared.partner_id
            and pairs.account_id = declared.account_id
            and pairs.partner_account_id = declared.partner_account_id
    left join our_key_types
        on
            pairs.account_id = our_key_types.account_id
            and our_key_types.partner_id = case when partners.exchange = 'list' then '*' else pairs.partner_id end
    left join their_key_types
        on
            pairs.partner_id = their_key_types.partner_id
            and pairs.partner_account_id = their_key_types.account_id

),

-- LEI names a legal entity and decides before DUNS, which names a site. Where one of them differs, the two are not one
-- record of a register, but they may be a site, a subsidiary or a sister all the same
methods as (

    select
        *,
        has_lei_conflict or (has_duns_conflict and not has_lei) as has_conflict,
        case
            when has_lei then 'identifier'
            when has_duns and not has_lei_conflict then 'identifier'
            when has_other_identifier and not has_lei_conflict and not has_duns_conflict then 'identifier'
            when has_domain then 'domain'
            when has_email_domain then 'email_domain'
            when declared_relationship is not null then 'hierarchy'
            when has_alias and not has_exact_name then 'alias'
            else 'name'
        end as ground,
        case
            when contradiction is not null then contradiction
            -- another website makes another company of a near miss, of a name of another country, and of a common one
            when
                has_domain_conflict
                and relationship_by_name is null
                and case
                    -- of hashed names only those that tell companies apart cross while a website is known
                    when exchange = 'keys' then coalesce(name_key_rank > 2, true)
                    else
                        is_common_name
                        or country_agreement = 'different'
                        or coalesce(name_likeness not in ('equal', 'added'), true)
                end
                then 'website'
        end as name_contradiction

    from evidence

),

settled_accounts as (

    select distinct
        partner_id,
        account_id

    from methods
    where
        ground = 'identifier'
        or (ground = 'domain' and website_owner = 'company')

),

settled_partner_accounts as (

    select distinct
        partner_id,
        partner_account_id

    from methods
    where
        ground = 'identifier'
        or (ground = 'domain' and website_owner = 'company')

),

weighed as (

    select
        methods.*,
        settled_accounts.account_id is not null
        or settled_partner_accounts.partner_account_id is not null as is_settled_elsewhere

    from methods
    left join settled_accounts
        on
            methods.partner_id = settled_accounts.partner_id
            and methods.account_id = settled_accounts.account_id
    left join settled_partner_accounts
        on
            methods.partner_id = settled_partner_accounts.partner_id
            and methods.partner_account_id = settled_partner_accounts.partner_account_id

),

rated as (

    select
        weighed.*,
        case weighed.ground
            when 'identifier' then match_weights.probability_identifier
            when 'hierarchy' then match_weights.probability_hierarchy
            when 'alias' then match_weights.probability_alias
            when 'domain'
                then case weighed.website_owner
                    when 'company'
                        then
                            match_weights.probability_own_website
                            + match_weights.probability_own_website_by_name * weighed.name_probability
                    when 'group'
                        then
                            match_weights.probability_group_website
                            + match_weights.probability_group_website_by_name * weighed.name_probability
                    else
                        match_weights.probability_shared_website
                        + match_weights.probability_shared_website_by_name * weighed.name_probability
                end
            when 'email_domain'
                then case
                    when weighed.website_owner = 'company'
                        then
                            match_weights.probability_own_mail_domain
                            + match_weights.probability_own_mail_domain_by_name * weighed.name_probability
                    else
                        match_weights.probability_shared_mail_domain
                        + match_weights.probability_shared_mail_domain_by_name * weighed.name_probability
                end
            else
                {{ account_mapping.scale_odds(
                    'weighed.name_probability',
                    "(case when weighed.has_domain_conflict then match_weights.odds_other_website else 1.0 end"
                    ~ " * case when weighed.is_settled_elsewhere and not weighed.has_exact_name"
                    ~ " then match_weights.odds_settled_elsewhere else 1.0 end)"
                ) }}
        end as probability,
        -- the most that what speaks against a pair leaves of its names, after all that speaks for it
        case
            when weighed.is_other_company then match_weights.probability_other_company
            when weighed.name_contradiction is not null then match_weights.probability_contradicted
            else 1
        end as name_ceiling

    from weighed
    cross join match_weights

),

limited as (

    select
        rated.*,
        -- the same of the pair
        case
            when rated.ground = 'identifier'
                then case
                    when
                        not rated.has_lei
                        and rated.has_domain_conflict
                        and (
                            rated.country_agreement = 'different'
                            or (rated.exchange = 'keys' and rated.identifier = 'linkedin')
                        )
                        and coalesce(rated.name_likeness = 'words', rated.name_key_rank is null)
                        then match_weights.probability_contradicted
                    else 1
                end
            when rated.ground = 'alias'
                then case
                    when rated.has_domain_conflict or rated.country_agreement = 'different' or rated.has_conflict
                        then match_weights.probability_contradicted
                    else 1
                end
            when rated.ground <> 'name' then 1
            when rated.name_ceiling < 1 then rated.name_ceiling
            when
                rated.has_conflict
                and not (rated.has_exact_name and rated.city_agreement = 'same')
                then match_weights.probability_contradicted
            else 1
        end as ceiling

    from rated
    cross join match_weights

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        cast(round(least(probability, ceiling), 4) as decimal(5, 4)) as match_probability,
        case
            when ground in ('identifier', 'alias') then ground
            when has_domain then 'domain'
            when has_email_domain then 'email_domain'
            when declared_relationship is not null then 'hierarchy'
            when has_exact_name then 'name_exact'
            when exchange = 'keys' and name_key_rank = 1 then 'name_exact'
            else 'name_fuzzy'
        end as match_method,
        exchange,
        identifier,
        has_lei_conflict,
        has_duns_conflict,
        has_conflict,
        shared_domain,
        website_owner,
        website_owner_reason,
        has_domain_conflict,
        case when ground = 'hierarchy' then declared_relationship end as declared_relationship,
        declared_domain,
        declared_parent_domain,
        alias_of,
        name_key_rank,
        is_sole_name,
        name_similarity,
        name_probability,
        name_likeness,
        country_agreement,
        state_agreement,
        city_agreement,
        shared_words,
        our_other_words,
        partner_other_words,
        rival_similarity,
        relationship_by_name,
        is_common_name,
        is_part_name,
        name_ceiling,
        case when ground = 'name' then name_contradiction end as contradiction,
        ceiling < 1 as is_capped,
        -- what one company is to the other where one website, or one name, has two numbers or several names on it
        case
            when has_conflict then 'family'
            when exchange = 'keys'
                then case
                    when ground <> 'domain' or website_owner = 'company' or not has_names then null
                    when name_key_rank in (1, 2) then 'same'
                    else 'family'
                end
            when ground not in ('domain', 'email_domain') or name_likeness is null then null
            when name_likeness in ('equal', 'added') then 'same'
            when ground = 'email_domain' then null
            when
                name_probability >= {{ namesake_threshold }}
                and (
                    (name_likeness in ('shortened', 'letters') and not is_region_name)
                    or (city_agreement = 'same' and state_agreement <> 'different')
                )
                then 'same'
            when not is_of_one_family or website_owner <> 'company' then 'family'
            when country_agreement = 'different' or (is_region_name and city_agreement <> 'same') then 'family'
        end as relationship_by_website,
        our_name_fits,
        partner_name_fits

    from limited

)

select * from final
