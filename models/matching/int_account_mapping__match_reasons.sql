{%- set accept_threshold = var('account_mapping__accept_threshold') -%}
{%- set near_rival = 5 -%}
with

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

scored_pairs as (

    select * from {{ ref('int_account_mapping__scored_pairs') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

parts as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        accounts.name as our_name,
        partner_accounts.name as partner_name,
        links.override_decision,
        links.decided_by,
        links.relationship,
        case
            when links.override_decision is not null
                then
                    case links.override_decision
                        when 'match' then 'Confirmed as the same company'
                        else 'Rejected'
                    end
                    || ' by ' || case
                        when links.decided_by = 'override' then 'a person'
                        else links.decided_by
                    end
                    || coalesce(' on ' || cast(links.decided_on as {{ dbt.type_string() }}), '')
            when scored_pairs.match_method = 'identifier'
                then 'Both records carry the same ' || case scored_pairs.identifier
                    when 'lei' then 'LEI'
                    when 'duns' then 'D-U-N-S number'
                    when 'vat_id' then 'VAT number'
                    else 'LinkedIn page'
                end
            when scored_pairs.match_method = 'hierarchy'
                then
                    'Your domain settings say that ' || scored_pairs.declared_domain || ' belongs to a subsidiary of '
                    || scored_pairs.declared_parent_domain
            when scored_pairs.match_method = 'alias'
                then 'Known as another or a former name of ' || scored_pairs.alias_of
            when scored_pairs.match_method in ('domain', 'email_domain')
                then
                    case scored_pairs.match_method
                        when 'domain' then 'Same website'
                        else 'Same e-mail domain'
                    end
                    || case
                        when scored_pairs.exchange = 'keys' then ' (compared as keyed hashes)'
                        else ' ' || scored_pairs.shared_domain
                    end
                    || coalesce(', ' || scored_pairs.website_owner_reason, '')
            when scored_pairs.exchange = 'keys'
                then
                    case scored_pairs.name_key_rank
                        when 1 then 'Same name'
                        when 2 then 'Same name but for words such as group or holding'
                        when 3
                            then 'A suggestion: same first word, same initials of the other words, same country'
                        else 'A suggestion: names equal but for a letter, same country'
                    end
                    || ' (compared as keyed hashes)'
                    || case when scored_pairs.is_sole_name then '' else ', which several accounts bear' end
            when scored_pairs.match_method = 'name_exact'
                then 'Same name once legal form and punctuation are set aside'
            else 'Similar name'
        end as ground,
        case
            when
                links.override_decision is null
                and scored_pairs.exchange = 'list'
                and accounts.name is not null
                and partner_accounts.name is not null
                then
                    ': "' || accounts.name || '" and "' || partner_accounts.name || '"'
                    || case
                        when scored_pairs.match_method = 'name_fuzzy'
                            then ' (' || cast(
                                cast(round(cast(scored_pairs.name_similarity as decimal(5, 2)), 0) as integer)
                                as {{ dbt.type_string() }}
                            ) || ' of 100)'
                            || case
                                when scored_pairs.name_likeness = 'letters' then ', spelt a little differently'
                                when scored_pairs.name_likeness = 'shortened' then ', one of them shortened'
                                else
                                    coalesce('; only ours says "' || scored_pairs.our_other_words || '"', '')
                                    || coalesce('; only theirs says "' || scored_pairs.partner_other_words || '"', '')
                            end
                        else ''
                    end
            else ''
        end as names,
        case
            when links.override_decision is not null then ''
            when scored_pairs.has_lei_conflict then '; but their LEIs differ'
            when scored_pairs.has_duns_conflict and scored_pairs.match_method <> 'identifier'
                then '; but their D-U-N-S numbers differ'
            else ''
        end
        || case
            when links.override_decision is not null then ''
            when scored_pairs.is_capped and scored_pairs.match_method = 'identifier'
                then '; but names, countries and websites differ'
            when scored_pairs.website_owner = 'host'
                then
                    '; the website ' || scored_pairs.shared_domain || ' says nothing, since '
                    || scored_pairs.website_owner_reason
            when scored_pairs.has_domain_conflict and scored_pairs.match_method in ('name_exact', 'name_fuzzy')
                then '; but their websites differ'
            else ''
        end
        || case
            when
                links.override_decision is not null
                or scored_pairs.exchange <> 'list'
                and scored_pairs.match_method not in ('name_exact', 'name_fuzzy')
                then ''
            when scored_pairs.country_agreement = 'same' and scored_pairs.city_agreement = 'same'
                then case
                    when scored_pairs.state_agreement = 'different' then '; same country, but another state'
                    else '; same country and city'
                end
            when scored_pairs.country_agreement = 'same'
                then
                    '; same country'
                    || case
                        when scored_pairs.city_agreement = 'different' then ', but another city'
                        when scored_pairs.state_agreement = 'different' then ', but another state'
                        else ''
                    end
            when scored_pairs.country_agreement = 'different' then '; other country'
            when scored_pairs.city_agreement = 'same' then '; same city'
            when scored_pairs.city_agreement = 'different' then '; another city'
            else ''
        end
        || case
            when links.override_decision is not null or scored_pairs.match_method not in ('name_exact', 'name_fuzzy')
                then ''
            when scored_pairs.contradiction = 'series' then '; their numbers tell them apart'
            when scored_pairs.contradiction = 'person' then '; a person''s name, and many people have it'
            when scored_pairs.contradiction = 'order' then '; the order of the words makes another name'
            when scored_pairs.contradiction = 'letters' then '; the word that tells it from others is spelt differently'
            when scored_pairs.contradiction = 'words' then '; a word that only one has may make it another company'
            when scored_pairs.contradiction = 'institution'
                then '; many places have one of that name, and nothing tells that it is the same'
            when scored_pairs.contradiction = 'short' then '; so short a name may be anybody''s'
            when scored_pairs.is_common_name and scored_pairs.contradiction is not null
                then '; many unlike companies have such a name'
            else ''
        end
        || case
            when
                links.override_decision is null
                and links.decision = 'review'
                and scored_pairs.match_method in ('name_exact', 'name_fuzzy')
                and scored_pairs.rival_similarity >= scored_pairs.name_similarity - {{ near_rival }}
                then
                    '; another name of theirs is about as similar ('
                    || cast(
                        cast(round(cast(scored_pairs.rival_similarity as decimal(5, 2)), 0) as integer)
                        as {{ dbt.type_string() }}
                    )
                    || ' of 100)'
            else ''
        end as circumstances,
        case
            when
                links.override_decision is not null
                or scored_pairs.match_method not in ('name_exact', 'name_fuzzy')
                then ''
            when scored_pairs.relationship_by_name = 'subsidiary'
                then ': our name begins with the name of that group'
            when scored_pairs.relationship_by_name = 'parent'
                then ': their name begins with the name of our group'
            when
                (scored_pairs.country_agreement = 'different' or scored_pairs.is_part_name)
                and links.relationship <> 'same'
                then ', so taken for a company of the same group'
            else ''
        end
        || case links.relationship
            when 'subsidiary' then '; ours is a subsidiary of that company'
            when 'parent' then '; ours is the parent of that company'
            when 'sibling' then '; ours is a sister of that company'
            else ''
        end as family,
        case
            when links.decided_by = 'nearer relative'
                then
                    ' Not counted: theirs is the same company as another account of ours, and ours has a nearer'
                    || ' relative of that name.'
            when links.decision = 'review'
                then
                    ' Awaits a person: ' || cast(
                        cast(floor(100 * links.match_probability) as {{ dbt.type_int() }})
                        as {{ dbt.type_string() }}
                    ) || ' % sure, accepted from {{ (100 * accept_threshold) | round | int }} %.'
            else ''
        end as verdict

    from links
    left join scored_pairs
        on
            links.partner_id = scored_pairs.partner_id
            and links.account_id = scored_pairs.account_id
            and links.partner_account_id = scored_pairs.partner_account_id
    inner join accounts
        on links.account_id = accounts.account_id
    inner join partner_accounts
        on
            links.partner_id = partner_accounts.partner_id
            and links.partner_account_id = partner_accounts.account_id

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        ground || names || circumstances || family || '.' || verdict as match_reason

    from parts

)

select * from final
