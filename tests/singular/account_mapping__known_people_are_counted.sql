-- Persons are told where both sides agreed, never more than account_mapping__people counts, and as many at an account
-- where all that is counted may be told. Of hashes only shared ones can be.
with

people as (

    select * from {{ ref('account_mapping__people') }}

),

known_people as (

    select
        partner_id,
        account_id,
        sum(case when who_knows = 'both' then 1 else 0 end) as shared_contacts,
        sum(case when who_knows = 'partner' then 1 else 0 end) as only_partner_contacts

    from {{ ref('account_mapping__known_people') }}
    group by partner_id, account_id

),

people_links as (

    select
        partner_id,
        account_id,
        exchange,
        max(case when are_persons_told then 1 else 0 end) as is_told,
        min(case when are_persons_told or people_state <> 'counted' then 1 else 0 end) as is_whole

    from {{ ref('int_account_mapping__people_links') }}
    group by partner_id, account_id, exchange

),

compared as (

    select
        people_links.partner_id,
        people_links.account_id,
        people_links.exchange,
        people_links.is_told = 1 as is_told,
        people_links.is_told = 1
        and people_links.is_whole = 1 as is_whole,
        coalesce(people.shared_contacts, 0) as shared_contacts,
        coalesce(people.only_partner_contacts, 0) as only_partner_contacts,
        coalesce(known_people.shared_contacts, 0) as told_shared_contacts,
        coalesce(known_people.only_partner_contacts, 0) as told_only_partner_contacts

    from people_links
    left join people
        on
            people_links.partner_id = people.partner_id
            and people_links.account_id = people.account_id
    left join known_people
        on
            people_links.partner_id = known_people.partner_id
            and people_links.account_id = known_people.account_id

),

final as (

    select * from compared
    where
        told_shared_contacts > shared_contacts
        or told_only_partner_contacts > only_partner_contacts
        or (not is_told and told_shared_contacts + told_only_partner_contacts > 0)
        or (is_whole and told_shared_contacts < shared_contacts)
        or (is_whole and exchange = 'list' and told_only_partner_contacts < only_partner_contacts)
        or (exchange <> 'list' and told_only_partner_contacts > 0)

)

select * from final
