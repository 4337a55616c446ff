with

contacts as (

    select * from {{ ref('int_account_mapping__crm_contacts') }}
    where
        not is_deleted
        and email like '%_@_%'

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

final as (

    -- the survivor of a merge inherits its contacts
    select distinct
        account_ids.account_id,
        contacts.source_contact_id,
        lower(split_part(contacts.email, '@', 2)) as email_host

    from contacts
    inner join account_ids
        on
            contacts.source_relation = account_ids.source_relation
            and contacts.source_account_id = account_ids.source_account_id

)

select * from final
